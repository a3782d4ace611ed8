module unpanic.dev/examples/gate

go 1.22
