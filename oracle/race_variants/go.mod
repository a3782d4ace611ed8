module unpanic.dev/oracle/race_variants

go 1.27
