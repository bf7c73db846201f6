"""What an account's admins do: members, keys, settings."""
