module unpanic.dev/examples/hazards/02-context-value/good

go 1.22
