module unpanic.dev/examples/hazards/02-context-value/good-clone

go 1.22
