"""The tests: unit, integration, acceptance, migrations, architecture, benchmarks."""
