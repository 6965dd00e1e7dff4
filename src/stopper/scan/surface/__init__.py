"""What a live API has: routes and inputs that its document, answers, pages and scripts tell, or that are guessed."""
