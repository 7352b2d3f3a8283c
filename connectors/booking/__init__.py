"""Online booking platforms: FHIR (ISiK Terminplanung) and plain JSON, over one careful HTTP client."""
