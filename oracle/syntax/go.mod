module unpanic.dev/oracle/syntax

go 1.26
