module unpanic.dev/examples/hazards/02-context-value/good-single-goroutine

go 1.22
