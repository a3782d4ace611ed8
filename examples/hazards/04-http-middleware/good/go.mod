module unpanic.dev/examples/hazards/04-http-middleware/good

go 1.22
