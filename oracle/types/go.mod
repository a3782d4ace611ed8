module unpanic/oracle/types

go 1.27
