"""Finding chapters in folders and archives: `finding.walk` -> `finding.catalogue` -> `chapters.read`. No database."""
