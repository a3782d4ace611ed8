module unpanic.dev/examples/hazards/01-value-receiver/good

go 1.22
