"""Answers to the questions that `auth` asks."""
