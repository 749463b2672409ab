"""What makes a run provable: its folder, materials, statement, signature, bag, verification, and the custody log."""
