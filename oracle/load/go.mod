module unpanic.dev/oracle/load

go 1.21
