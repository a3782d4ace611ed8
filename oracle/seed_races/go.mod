module unpanic.dev/oracle/seed_races

go 1.27
