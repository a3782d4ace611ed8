module unpanic.dev/examples/hazards/03-sync-pool/good

go 1.22
