module unpanic.dev/examples/hazards/04-http-middleware/bad

go 1.22
