"""Bundles that answer in Azure ML: managed online endpoints (SDK v2), container instances and Kubernetes (SDK v1).

The SDKs are imported where they are used; what would be made is known without them.
"""
