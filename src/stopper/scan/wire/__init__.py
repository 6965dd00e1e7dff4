"""The wire: transports that send requests as they are given, and the courier that keeps them within mode, budget and pace."""
