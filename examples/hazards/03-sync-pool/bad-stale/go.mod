module unpanic.dev/examples/hazards/03-sync-pool/bad-stale

go 1.22
