module unpanic.dev/examples/hazards/04-http-middleware/good-copy

go 1.22
