module unpanic.dev/examples/hazards/01-value-receiver/good-single-goroutine

go 1.22
