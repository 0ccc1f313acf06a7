"""What a site costs: its log read, a platform's prices, the bill."""
