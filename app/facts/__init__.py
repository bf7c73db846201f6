"""The facts and the exact rollups made of them. Everything that counts comes through here."""
