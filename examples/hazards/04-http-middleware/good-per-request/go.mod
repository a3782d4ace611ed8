module unpanic.dev/examples/hazards/04-http-middleware/good-per-request

go 1.22
