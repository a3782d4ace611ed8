module unpanic.dev/guard/testdata/service

go 1.24
