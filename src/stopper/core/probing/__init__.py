"""What probes ask a running application, and how its answers are judged."""
