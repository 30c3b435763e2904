"""OTLP/HTTP: log records of OpenTelemetry collectors and SDKs become lines of instances.

Only who imports its modules needs the extra ``otlp``.
"""
