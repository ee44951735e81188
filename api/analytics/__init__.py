"""The analytics service: who watched what, for how long, and what it earned; exact to the millisecond."""
