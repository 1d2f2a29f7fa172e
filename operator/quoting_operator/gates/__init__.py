"""Pure statistics with error control: what promotes and what rolls back."""
