"""Packages, extras and the console script; tool settings are in pyproject.toml."""

from pathlib import Path

from setuptools import find_packages, setup

HERE = Path(__file__).parent
VERSION = "0.1.0"

ROOMS = ["jobs*", "pipelines*", "warehouse*", "infra*", "game_server*"]

setup(
    name="playerpath",
    version=VERSION,
    description="What players do in an online game, from access logs and DynamoDB exports, exactly.",
    long_description=(HERE / "README.md").read_text(encoding="utf-8"),
    long_description_content_type="text/markdown",
    python_requires=">=3.11,<3.14",
    packages=find_packages(include=ROOMS),
    package_data={
        "jobs.models": ["*.sql"],
        "jobs.access_logs": ["rules/*.yaml", "data/*"],
        "warehouse.report": ["*.css", "*.js", "*.html", "templates/*", "static/*"],
    },
    install_requires=[
        "pyarrow>=21",
        "numpy>=2",
        "duckdb>=2.0,<3",
        "sqlglot>=30,<31",
        "sqlalchemy>=2.1,<3",
        "pandas>=3",
        "pyyaml>=6",
        "typer>=0.20",
        "rich>=14",
        "boto3>=1.40",
        "zstandard>=0.23",
        "ua-parser[regex]>=1.0",
        "crawler-user-agents>=1.60",
        "plotly>=6",
        "jinja2>=3.1",
        "mrjob==0.7.4",
        # mrjob is frozen since 2020: it wants what later Pythons dropped
        "setuptools; python_version >= '3.12'",
        "standard-pipes; python_version >= '3.13'",
    ],
    extras_require={
        "geoip": ["maxminddb>=2"],
        "dev": [
            "ruff",
            "mypy",
            "pandas-stubs",
            "types-PyYAML",
            "boto3-stubs[s3]",
            "pytest>=9",
            "pytest-xdist",
            "hypothesis",
            "moto[server]>=5.2.5,<5.3",
            "playwright",
        ],
    },
    entry_points={"console_scripts": ["playerpath = pipelines.cli:main"]},
    classifiers=["Programming Language :: Python :: 3", "Private :: Do Not Upload"],
)
