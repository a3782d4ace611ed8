module unpanic.dev/examples/hazards/03-sync-pool/good-exclusive-owner

go 1.22
