module unpanic.dev/examples/hazards/01-value-receiver/bad

go 1.22
