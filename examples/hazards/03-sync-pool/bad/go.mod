module unpanic.dev/examples/hazards/03-sync-pool/bad

go 1.22
