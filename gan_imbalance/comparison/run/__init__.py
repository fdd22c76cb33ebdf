"""One task in, its result out: what runs here knows neither files nor folders, so that any engine can run it."""
