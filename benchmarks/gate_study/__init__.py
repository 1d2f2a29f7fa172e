"""Parts of benchmarks/gates.py: noises, replicas of other controllers' rules, our gates, speed."""
