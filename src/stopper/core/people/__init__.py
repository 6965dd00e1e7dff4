"""What the source knows of people: accounts, passwords, registrations, resets, and what slows down guessing."""
