module unpanic.dev/examples/story

go 1.21
