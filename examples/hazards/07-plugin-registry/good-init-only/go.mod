module unpanic.dev/examples/hazards/07-plugin-registry/good-init-only

go 1.22
