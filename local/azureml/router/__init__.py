"""The region's scoring router: one process in front of every online endpoint's deployments.

`gateway.py` answers scoring requests, `admin.py` what the platform asks; both stand on `http.py`.
"""
