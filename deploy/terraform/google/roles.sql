-- Once, in the database roliascan: migrations own the tables, the site only reads and changes rows.
GRANT CREATE, USAGE ON SCHEMA public TO "${migrations}";
GRANT USAGE ON SCHEMA public TO "${site}";
GRANT "${migrations}" TO CURRENT_USER;
ALTER DEFAULT PRIVILEGES FOR ROLE "${migrations}" IN SCHEMA public
    GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO "${site}";
REVOKE "${migrations}" FROM CURRENT_USER;
