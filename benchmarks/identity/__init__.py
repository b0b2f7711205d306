"""What identity is measured on, and how well it does: duplicates that are made, real files, a referee."""
