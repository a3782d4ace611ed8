module unpanic.dev/examples/hazards/02-context-value/bad

go 1.22
