module unpanic.dev/shapes

go 1.23
