module unpanic.dev/examples/hazards/07-plugin-registry/good

go 1.22
