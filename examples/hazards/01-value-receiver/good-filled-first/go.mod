module unpanic.dev/examples/hazards/01-value-receiver/good-filled-first

go 1.22
