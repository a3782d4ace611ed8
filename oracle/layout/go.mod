module unpanic.invalid/oracle/layout

go 1.27
