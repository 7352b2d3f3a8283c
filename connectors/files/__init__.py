"""Lists that a practice can export itself, as records: CSV and XLSX, read where they lie or from memory."""
