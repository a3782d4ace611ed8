module unpanic.dev/examples/hazards/04-http-middleware/bad-outlives-request

go 1.22
