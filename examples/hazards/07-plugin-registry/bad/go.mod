module unpanic.dev/examples/hazards/07-plugin-registry/bad

go 1.22
