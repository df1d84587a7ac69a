"""What one server carries: many simulated hosts and some people before its dashboards."""
