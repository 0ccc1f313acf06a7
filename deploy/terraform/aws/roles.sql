CREATE ROLE roliascan_migrations LOGIN
GRANT rds_iam TO roliascan_migrations
GRANT roliascan_migrations TO postgres
GRANT CREATE, USAGE ON SCHEMA public TO roliascan_migrations
CREATE ROLE roliascan LOGIN
GRANT rds_iam TO roliascan
GRANT USAGE ON SCHEMA public TO roliascan
ALTER DEFAULT PRIVILEGES FOR ROLE roliascan_migrations IN SCHEMA public GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO roliascan
